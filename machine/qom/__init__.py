"""QOM, QEMU's object model, as a client sees it.

`node` is the form of an object, `tree` paths and access, `board` the machine's own objects. Nothing
is kept: an object of the tree is made from the machine when somebody asks for it.
"""
