"""Layer-wise relevance propagation on frozen graphs.

`read` says what a graph computes, `network` and `ops` compute it again step by step, `rules` holds
the mathematics of one step, `composites` says which rule goes where, `propagate` runs backwards
through the steps, and `method` makes it an attribution method.
"""
