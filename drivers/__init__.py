"""Where frames come from: cameras, recordings and the simulated camera, behind one `Source` protocol."""
