"""What calibration minimises: one file each, by name in `genair.calibrate.OBJECTIVES`."""
