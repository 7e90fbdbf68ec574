"""The output of the notebook that this project started with, for its paragraph."""

from training.notebook import PARAGRAPH as PARAGRAPH

# fmt: off
IDS = [
    101, 2044, 8181, 5367, 2180, 1996, 2281, 7313, 4883, 2602, 2006, 2019, 3424, 1011, 8864, 4132, 1010, 2019, 3988,
    2698, 6658, 2163, 4161, 2037, 22965, 2013, 1996, 2406, 2000, 2433, 1996, 18179, 1012, 2162, 3631, 2041, 1999, 2258,
    6863, 2043, 22965, 2923, 2749, 4457, 3481, 7680, 3334, 1999, 2148, 3792, 1010, 2074, 2058, 1037, 3204, 2044, 5367,
    1005, 1055, 17331, 1012, 102,
]
# fmt: on

TOKENS = (
    "[CLS] after abraham lincoln won the november 1860 presidential election on an anti - slavery platform , an initial "
    "seven slave states declared their secession from the country to form the confederacy . war broke out in april 1861 "
    "when secession ##ist forces attacked fort sum ##ter in south carolina , just over a month after lincoln ' s "
    "inauguration . [SEP]"
)

MASK_ID = 103
SELECTION = [9, 19, 25, 33, 35, 37, 38, 45, 48, 50, 52]

MASKED = (
    "[CLS] after abraham lincoln won the november 1860 presidential [MASK] on an anti - slavery platform , an initial "
    "[MASK] slave states declared their secession [MASK] the country to form the confederacy . [MASK] broke [MASK] in "
    "[MASK] [MASK] when secession ##ist forces attacked fort [MASK] ##ter in [MASK] carolina [MASK] just [MASK] a month "
    "after lincoln ' s inauguration . [SEP]"
)

# With google-bert/bert-base-uncased only:
LOSS = 0.7305
LOGITS_CORNER = [
    [-6.9636, -6.9203, -6.9486, -6.1981, -6.0658, -4.1818],
    [-12.6001, -12.4342, -12.6674, -11.7831, -11.2702, -8.9691],
    [-6.5187, -6.6442, -6.1737, -6.4028, -6.5164, -5.1786],
    [-1.8048, -1.6689, -1.6529, -1.2316, -0.7778, -7.5645],
    [-13.3370, -13.2744, -13.4163, -10.0605, -10.4325, -8.8015],
    [-12.0427, -12.3973, -12.1865, -9.9590, -9.9858, -7.1160],
]
FILLED = (
    ". after abraham lincoln won the november 1860 presidential election on an anti - slavery platform , an initial "
    "seven slave states declared their secession from the country to form the confederacy . this broke out in 1861 1861 "
    "when secession ##ist forces attacked fort sum ##ter in north carolina , just over a month after lincoln ' s "
    "inauguration . )"
)
