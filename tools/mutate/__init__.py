"""`make mutate`: change the vault's code in small ways, one at a time, and see whether the tests notice."""
