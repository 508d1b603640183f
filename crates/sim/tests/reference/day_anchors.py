"""Reference values of the day's anchors: scipy's PchipInterpolator over three periods of a day."""
import numpy as np
from scipy.interpolate import PchipInterpolator

anchors = [0.55, 0.5, 0.48, 0.47, 0.47, 0.5, 0.6, 0.8, 1.1, 1.35, 1.4, 1.38, 1.2, 1.25, 1.4, 1.42, 1.35, 1.1, 0.9, 0.85, 0.8, 0.75, 0.68, 0.6]
hours = np.arange(-24, 48)
curve = PchipInterpolator(hours, anchors * 3)
for hour in [0.0, 0.5, 3.25, 4.5, 7.75, 10.5, 12.25, 15.0, 15.5, 19.9, 23.25, 23.75]:
    print(f"({hour}, {float(curve(hour)):.15f}),")
