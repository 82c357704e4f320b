"""Self-attention of any frozen graph: where each place of a feature map takes from.

from tfgenxai.attention import attention_maps, measures
maps = attention_maps(tfgenxai.load("sagan")["generate"], codes)
maps.for_query(14, 9)    # what the query in row 14, column 9 takes from each key
measures(maps)           # entropy, mass on the digit, distance
"""

from tfgenxai.attention.ablation import with_and_without
from tfgenxai.attention.controls import measures_with_controls, shuffled_weights
from tfgenxai.attention.find import AttentionLayer, attention_layer, find_attention
from tfgenxai.attention.indexing import Slip, right_index, slip, wrong_index
from tfgenxai.attention.maps import AttentionMaps, attention_maps
from tfgenxai.attention.measures import coverage, measures, per_query, query_kinds
from tfgenxai.attention.queries import Query, choose_queries

__all__ = [
    "AttentionLayer",
    "AttentionMaps",
    "Query",
    "Slip",
    "attention_layer",
    "attention_maps",
    "choose_queries",
    "coverage",
    "find_attention",
    "measures",
    "measures_with_controls",
    "per_query",
    "query_kinds",
    "right_index",
    "shuffled_weights",
    "slip",
    "with_and_without",
    "wrong_index",
]
