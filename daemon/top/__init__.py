"""`armvirtd top`: the CPUs of a machine, each in its state, as they come and go, over QMP."""
