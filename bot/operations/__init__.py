"""Operations: requests, policies, preflight and states of every change of a cluster. No I/O."""
