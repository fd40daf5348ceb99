"""The losses in torch, in one signature; those that torch lacks are written from their formulas."""

import itertools

import torch
import torch.nn.functional as F

FLOAT = torch.float64


def classes_second(x):
    return torch.movedim(x, -1, 1).contiguous()


def vector(values):
    return None if values is None else torch.tensor(values, dtype=FLOAT)


def cross_entropy(y, x, reduction, weight=None, **options):
    y = classes_second(y) if y.is_floating_point() else y.long()
    return F.cross_entropy(classes_second(x), y, weight=vector(weight), reduction=reduction, **options)


def negative_log_likelihood(y, x, reduction, weight=None, **options):
    return F.nll_loss(classes_second(x), y.long(), weight=vector(weight), reduction=reduction, **options)


def binary_cross_entropy(y, x, reduction, weight=None, pos_weight=None, from_logits=False):
    weight = vector(weight)
    if from_logits:
        options = {"weight": weight, "pos_weight": vector(pos_weight), "reduction": reduction}
        return F.binary_cross_entropy_with_logits(x, y.to(FLOAT), **options)
    return F.binary_cross_entropy(x, y.to(FLOAT), weight=weight, reduction=reduction)


def kl_divergence(y, x, reduction, log_target=False):
    return F.kl_div(x, y, log_target=log_target, reduction=reduction)


def margin_ranking(y, pair, reduction, margin=0.0):
    return F.margin_ranking_loss(*pair, y.to(FLOAT), margin=margin, reduction=reduction)


def cosine_embedding(y, pair, reduction, margin=0.0):
    return F.cosine_embedding_loss(*pair, y, margin=margin, reduction=reduction)


def triplet_margin(y, triplet, reduction, margin=1.0, p=2.0, swap=False, eps=1e-6, mining=None):
    options = {"margin": margin, "p": p, "swap": swap, "eps": eps, "reduction": reduction}
    if mining is not None:
        rows = mined_rows(y, triplet, margin, p, eps, mining)
        triplet = [triplet[[row[i] for row in rows]] for i in range(3)]
    return F.triplet_margin_loss(*triplet, **options)


def mined_rows(labels, x, margin, p, eps, mining):
    """(anchor, positive, negative) rows of a batch, by looking at each."""
    n = len(labels)
    d = [[F.pairwise_distance(x[i], x[j], p=p, eps=eps).item() for j in range(n)] for i in range(n)]
    positives = [[j for j in range(n) if j != i and labels[j] == labels[i]] for i in range(n)]
    negatives = [[j for j in range(n) if labels[j] != labels[i]] for i in range(n)]
    if mining == "hard":
        anchors = [i for i in range(n) if positives[i] and negatives[i]]
        return [(i, max(positives[i], key=d[i].__getitem__), min(negatives[i], key=d[i].__getitem__)) for i in anchors]
    rows = [(i, j, k) for i in range(n) for j, k in itertools.product(positives[i], negatives[i])]
    if mining == "semi-hard":
        rows = [(i, j, k) for i, j, k in rows if d[i][j] < d[i][k] < d[i][j] + margin]
    return rows


def reduced(values, reduction, count=None):
    if reduction == "none":
        return values
    return values.sum() / (1 if reduction == "sum" else values.numel() if count is None else count)


def contrastive(y, pair, reduction, margin=1.0):
    d = torch.linalg.vector_norm(pair[0] - pair[1], dim=-1)
    return reduced(y * d**2 + (1 - y) * torch.clamp(margin - d, min=0) ** 2, reduction)


def tversky(y, x, reduction, alpha=0.5, beta=0.5, smooth=0.0, from_logits=False, multilabel=False, **options):
    yes_or_no = multilabel or x.shape[-1] == 1
    p = x if not from_logits else torch.sigmoid(x) if yes_or_no else torch.softmax(x, -1)
    valid = torch.ones(x.shape[:-1], dtype=torch.bool)
    if not y.is_floating_point():
        valid = y != options.get("ignore_index", -100)
        y = torch.where(valid, y, 0).long()
        y = y[..., None].to(FLOAT) if yes_or_no else F.one_hot(y, x.shape[-1]).to(FLOAT)
    p, y = p * valid[..., None], y * valid[..., None]
    dims = tuple(range(1, x.dim() - 1))
    true_positive = (p * y).sum(dims)
    false_positive, false_negative = (p * (1 - y)).sum(dims), ((1 - p) * y).sum(dims)
    index = (true_positive + smooth) / (true_positive + alpha * false_positive + beta * false_negative + smooth)
    present = y.sum(dims) > 0
    values = torch.where(present, 1 - index, 0.0)
    first = 0 if options.get("include_background", True) else 1
    return reduced(values[:, first:], reduction, present[:, first:].sum())


def dice(y, x, reduction, smooth=0.0, **options):
    return tversky(y, x, reduction, 0.5, 0.5, smooth / 2, **options)


def dice_cross_entropy(y, x, reduction, weight=None, dice_weight=1.0, cross_entropy_weight=1.0, smooth=0.0, **options):
    values = []
    for i in range(len(y)):
        overlap = dice(y[i : i + 1], x[i : i + 1], "mean", smooth=smooth, from_logits=True, **options)
        if x.shape[-1] == 1:
            entropy = F.binary_cross_entropy_with_logits(x[i, ..., 0], y[i].to(FLOAT))
        else:
            ignore = {"ignore_index": options["ignore_index"]} if "ignore_index" in options else {}
            entropy = cross_entropy(y[i : i + 1], x[i : i + 1], "mean", weight=weight, **ignore)
        values.append(dice_weight * overlap + cross_entropy_weight * entropy)
    return reduced(torch.stack(values), reduction)


def focal(y, x, reduction, alpha=0.25, gamma=2.0, from_logits=False, multilabel=False, ignore_index=-100):
    if multilabel or x.shape[-1] == 1:
        y = y.to(FLOAT).reshape(x.shape)
        entropy = F.binary_cross_entropy_with_logits if from_logits else F.binary_cross_entropy
        p = torch.sigmoid(x) if from_logits else x
        p_t = p * y + (1 - p) * (1 - y)
        alpha_t = alpha * y + (1 - alpha) * (1 - y)
        return reduced(alpha_t * (1 - p_t) ** gamma * entropy(x, y, reduction="none"), reduction)
    valid = y != ignore_index
    y = torch.where(valid, y, 0).long()
    log_p = torch.log_softmax(x, -1) if from_logits else torch.log(x)
    log_p_t = torch.gather(log_p, -1, y[..., None])[..., 0]
    alpha_t = 1.0 if alpha is None else vector(alpha)[y] if isinstance(alpha, list) else alpha
    return reduced(-alpha_t * (1 - torch.exp(log_p_t)) ** gamma * log_p_t * valid, reduction, valid.sum())


FUNCTIONS = {
    "L1": lambda y, x, reduction: F.l1_loss(x, y, reduction=reduction),
    "L2": lambda y, x, reduction: F.mse_loss(x, y, reduction=reduction),
    "SmoothL1": lambda y, x, reduction, beta=1.0: F.smooth_l1_loss(x, y, beta=beta, reduction=reduction),
    "NegativeLogLikelihood": negative_log_likelihood,
    "CrossEntropy": cross_entropy,
    "BinaryCrossEntropy": binary_cross_entropy,
    "KLDivergence": kl_divergence,
    "MarginRanking": margin_ranking,
    "Contrastive": contrastive,
    "CosineEmbedding": cosine_embedding,
    "TripletMargin": triplet_margin,
    "Dice": dice,
    "Tversky": tversky,
    "DiceCrossEntropy": dice_cross_entropy,
    "Focal": focal,
}
