"""QMP as bytes: a sans-I/O server side of the QEMU Machine Protocol.

``stream`` turns bytes into JSON values, ``session`` turns those into requests and complete replies,
``encode`` writes QEMU's output form, ``command`` and ``event`` hold the declarations from which
dispatch, argument errors and introspection (``schema``) derive.  Nothing here opens a socket.
"""
