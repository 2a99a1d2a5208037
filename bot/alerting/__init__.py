"""The watch: rules find what is wrong, the engine gives it a life, the cycle carries it out."""
