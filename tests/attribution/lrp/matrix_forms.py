"""LRP as textbooks write it: on the whole matrix of a layer, for one sample and one target."""

import numpy as np

LOW, HIGH = -1.5, 2.0


def matrix_of(function, shape):
    """W (outputs, inputs) and b of an affine function of a batch, from unit vectors."""
    size = int(np.prod(shape))
    zero = np.asarray(function(np.zeros((1, *shape))))
    units = np.asarray(function(np.eye(size).reshape(size, *shape)))
    return (units - zero).reshape(size, -1).T, zero.ravel()


def plus(array):
    return np.where(array > 0, array, 0)


def minus(array):
    return np.where(array < 0, array, 0)


def shared_out(relevance, contributions, bias, stabiliser=0.0):
    """R_i = sum_j c_ji / (sum_i c_ji + b_j) R_j, what the biases got, and the rest."""
    total = contributions.sum(axis=1) + bias
    total = total + stabiliser * np.where(total >= 0, 1, -1)
    shares = np.divide(relevance, total, out=np.zeros_like(relevance), where=total != 0)
    inputs, biases = shares @ contributions, shares @ bias
    return np.array([*inputs, biases, relevance.sum() - inputs.sum() - biases])


def textbook(rule, w, b, x, relevance):
    """Relevance of inputs, of biases, and what is lost, by the formula of a rule."""
    c, nothing = w * x, np.zeros_like(b)
    if rule.name == "zero":
        return shared_out(relevance, c, b)
    if rule.name.startswith("epsilon"):
        return shared_out(relevance, c, b, rule.epsilon)
    if rule.name.startswith("gamma"):
        gamma = float(rule.name[6:-1])
        up = c.sum(axis=1) + b >= 0
        for_up = shared_out(relevance * up, c + gamma * plus(c), b + gamma * plus(b))
        for_down = shared_out(relevance * ~up, c + gamma * minus(c), b + gamma * minus(b))
        return for_up + for_down
    if rule.name.startswith("alpha"):
        alpha, beta = (float(part) for part in rule.name[5:].split("_beta"))
        positive = shared_out(relevance, plus(c), plus(b))
        return alpha * positive - beta * shared_out(relevance, minus(c), minus(b))
    if rule.name == "w_square":
        return shared_out(relevance, w**2, nothing)
    if rule.name == "flat":
        return shared_out(relevance, (w != 0).astype(float), nothing)
    assert rule.name == "box"
    return shared_out(relevance, c - LOW * plus(w) - HIGH * minus(w), nothing)
