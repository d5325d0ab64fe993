"""A folder of adapters: one YAML file each."""
