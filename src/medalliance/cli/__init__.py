"""Commands: one file each, with a function ``run`` that ``__main__`` finds.

A command is thin: it reads, calls one function of the package, then writes its output whole or
not at all through ``_output.write_whole``. Import heavy modules inside ``run``.
"""
