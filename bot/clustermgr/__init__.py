"""Everything that speaks to a Clustermgr: the typed client, its wire models, and polls of all hosts."""
