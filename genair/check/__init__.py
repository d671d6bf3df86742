"""What later stages would refuse or regret, found all at once; `rules` lists what is looked for."""
