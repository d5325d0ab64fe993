"""What syncflow's speed is measured with: `python -m bench`."""
