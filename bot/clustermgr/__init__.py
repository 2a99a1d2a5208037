"""Everything that speaks to a Clustermgr: the typed client, its wire models, the look at all hosts."""
