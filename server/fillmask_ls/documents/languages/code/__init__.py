"""One file per programming language, named after an alias of its lexer in Pygments. Other languages need no file."""
