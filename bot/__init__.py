"""cmbot: ChatOps for CubeFS BlobStore's Clustermgr."""
