"""The adapter language compiled: what an adapter file says, as frozen plans that the adapter engine executes."""
