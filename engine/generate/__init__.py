"""Realistic batches: US geography, parcel tariffs, Zipf demand, and four loads from calm to flash sale."""

from engine.generate.generating import GenerateParams, generate

__all__ = ["GenerateParams", "generate"]
