"""The GICv3 interrupt controller (IHI 0069H): distributor, redistributors, CPU interfaces."""
