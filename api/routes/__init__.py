"""A module per noun. Each has a `router`; which role a route takes stands in its signature."""
