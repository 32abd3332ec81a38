"""A formula on a data set: the arrays of the model, and what to know of them."""

from bayescompare.model_frame.frame import ModelFrame, labelled, model_frame

__all__ = ["ModelFrame", "labelled", "model_frame"]
