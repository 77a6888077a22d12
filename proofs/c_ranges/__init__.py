"""`no-wrap`, value by value: each intermediate expression of each operation, its verdict and the effect of wrapping."""
