"""A checkpoint that is no BERT predicts through its own network."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from tokenizers.decoders import ByteLevel
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM

from fillmask_ls import mlm

SENTENCES = ["the cat sat on the mat", "the dog sat on the rug", "a cat and a dog sat"] * 30


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> mlm.MaskedLM:
    folder = tmp_path_factory.mktemp("roberta")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = ByteLevel()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    backend.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=340, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
        ),
    )
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = RobertaConfig(
        vocab_size=backend.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        pad_token_id=1,
    )
    network = RobertaForMaskedLM(config)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    encoded = [backend.encode(sentence).ids for sentence in SENTENCES[:3]]
    for step in range(150):
        ids = torch.tensor([encoded[step % 3]])
        position = 1 + step % (ids.shape[1] - 2)
        masked = ids.clone()
        masked[0, position] = backend.token_to_id("<mask>")
        loss = network(input_ids=masked, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    network.save_pretrained(folder)
    return mlm.load(str(folder), dtype=torch.float32)


def test_the_documents_mask_becomes_the_models_own(roberta: mlm.MaskedLM) -> None:
    encoding = roberta.tokenizer.encode("the [MASK] sat <mask> </s>")
    assert encoding.tokens.count("<mask>") == 1
    assert encoding.ids.count(roberta.tokenizer.mask_id) == 1
    assert encoding.tokens[-1] == "</s>"
    assert encoding.tokens.count("</s>") == 1


def test_words_have_no_marks_of_spaces(roberta: mlm.MaskedLM) -> None:
    words = [word.text for word in mlm.predict(roberta, "the cat [MASK] on the mat")[0].words]
    assert words
    assert all(word == word.strip() and "Ġ" not in word for word in words)
    assert "sat" in words


def test_a_long_text_fits_the_positions_that_the_model_has(roberta: mlm.MaskedLM) -> None:
    assert len(mlm.predict(roberta, "the cat sat on the [MASK] " * 100, top_k=1)) == 100
