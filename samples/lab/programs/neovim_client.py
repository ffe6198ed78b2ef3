"""Drives a Neovim that listens, by its own client. Arguments: address, port."""

import sys

import pynvim

with pynvim.attach("tcp", address=sys.argv[1], port=int(sys.argv[2])) as editor:
    editor.current.line = "one chair is left"
    editor.command("set ignorecase")
    try:
        editor.command("nosuchcommand")
    except pynvim.NvimError:
        pass
