"""PyTorch's NVAE (W13): the network of keras_dl's recipe for MNIST, its bound, and its spectral regularisation."""

import torch
from torch import nn
from torch.nn import functional

from benchmarks.training_torch import layout, training

LATENTS, CHANNELS, GROUPS, EXPANSION = 8, (32, 64), 3, 3


def conv(channels, filters, size, bias=True, **options):
    """A convolution that keeps an image's size where its stride is 1."""
    return nn.Conv2d(channels, filters, size, padding=size // 2, bias=bias, **options)


def norm(channels):
    """Batch normalisation, momentum 0.95 in Keras' terms."""
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.05)


class SqueezeExcite(nn.Module):
    """Channels weighted by what the image shows, through four features."""

    def __init__(self, channels, hidden=4):
        super().__init__()
        self.squeeze, self.excite = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, x):
        gates = torch.sigmoid(self.excite(functional.relu(self.squeeze(x.mean((2, 3))))))
        return x * gates[:, :, None, None]


class Halved(nn.Module):
    """Four 1x1 convolutions of stride 2 of shifted pixels, side by side."""

    def __init__(self, channels, filters):
        super().__init__()
        self.parts = nn.ModuleList([nn.Conv2d(channels, filters // 4, 1, 2) for _ in range(4)])

    def forward(self, x):
        x = functional.silu(x)
        shifts = (0, 0), (1, 1), (0, 1), (1, 0)
        return torch.cat([part(x[:, :, i:, j:]) for part, (i, j) in zip(self.parts, shifts, strict=True)], 1)


def regular(channels, filters, stride):
    """What an encoder's cell adds."""
    first = [norm(channels), nn.SiLU(), conv(channels, filters, 3, bias=False, stride=stride)]
    return nn.Sequential(*first, norm(filters), nn.SiLU(), conv(filters, filters, 3), SqueezeExcite(filters))


def separable(channels, filters, expansion, doubles):
    """What a decoder's cell adds."""
    hidden = expansion * channels
    parts = [nn.Upsample(scale_factor=2, mode="nearest")] if doubles else []
    parts += [norm(channels), conv(channels, hidden, 1, bias=False), norm(hidden), nn.SiLU()]
    parts += [conv(hidden, hidden, 5, bias=False, groups=hidden), norm(hidden), nn.SiLU()]
    return nn.Sequential(*parts, conv(hidden, filters, 1, bias=False), norm(filters), SqueezeExcite(filters))


class Cell(nn.Module):
    """A tenth of what convolutions make of an image, beside a shortcut."""

    def __init__(self, channels, filters, resize=None, expansion=None):
        super().__init__()
        if expansion is None:
            self.residual = regular(channels, filters, 2 if resize == "down" else 1)
        else:
            self.residual = separable(channels, filters, expansion, resize == "up")
        self.shortcut = nn.Identity()
        if resize == "down":
            self.shortcut = Halved(channels, filters)
        elif resize == "up":
            enlarged = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
            self.shortcut = nn.Sequential(enlarged, nn.Conv2d(channels, filters, 1))

    def forward(self, x):
        return self.shortcut(x) + 0.1 * self.residual(x)


class Group(nn.Module):
    """Prior and posterior of a group of latents, and what follows of them."""

    def __init__(self, first, channels, following):
        super().__init__()
        self.prior = None if first else nn.Sequential(nn.ELU(), conv(channels, 2 * LATENTS, 1))
        self.projection = conv(channels, channels, 1)
        self.posterior = conv(channels, 2 * LATENTS, 3)
        self.join = conv(channels + LATENTS, channels, 1)
        self.cells = nn.Sequential()
        if following is not None and following != channels:
            self.cells.append(Cell(channels, following, "up", EXPANSION))
        if following is not None:
            self.cells.append(Cell(following, following, None, EXPANSION))

    def parameters_of(self, state, features):
        """Parameters of the posterior beside the prior's, and of the prior; both `[loc, log_scale]`."""
        if self.prior is None:
            parameters = self.posterior(functional.elu(self.projection(functional.elu(features))))
            return parameters, torch.zeros_like(parameters)
        prior = self.prior(state)
        return prior + self.posterior(features + self.projection(state)), prior


def normal(parameters):
    """Location and scale, softly clamped."""
    loc, log_scale = (5.0 * torch.tanh(parameters / 5.0)).chunk(2, 1)
    return loc, log_scale.exp() + 0.01


class NVAE(nn.Module):
    """Two scales of three groups at 7x7 and 14x14."""

    def __init__(self):
        super().__init__()
        fine, coarse = CHANNELS
        self.start = nn.Parameter(0.05 * torch.randn(1, coarse, 7, 7))
        self.stem = nn.Sequential(conv(1, 16, 3), Cell(16, 16), Cell(16, fine, "down"))
        self.fine = nn.ModuleList([Cell(fine, fine) for _ in range(GROUPS)])
        self.between = Cell(fine, coarse, "down")
        self.coarse = nn.ModuleList([Cell(coarse, coarse) for _ in range(GROUPS)])
        widths = [coarse] * GROUPS + [fine] * GROUPS + [None]
        pairs = list(zip(widths, widths[1:], strict=False))
        self.groups = nn.ModuleList([Group(number == 0, *pair) for number, pair in enumerate(pairs)])
        cells = Cell(fine, 16, "up", max(1, EXPANSION // 2)), Cell(16, 16, None, max(1, EXPANSION // 2))
        self.head = nn.Sequential(*cells, nn.ELU(), conv(16, 1, 3))

    def forward(self, x):
        """Logits of the pixels and the groups' rates, shape `(batch, groups)`."""
        h, features, rates = self.stem(x), [], []
        for cells in (self.fine, [self.between, *self.coarse]):
            for cell in cells:
                h = cell(h)
                features.insert(0, h) if cell is not self.between else None
        state = self.start.expand(len(x), -1, -1, -1)
        for group, seen in zip(self.groups, features, strict=True):
            (loc, scale), (prior_loc, prior_scale) = map(normal, group.parameters_of(state, seen))
            ratio, deviation = scale / prior_scale, (loc - prior_loc) / prior_scale
            rates.append((0.5 * (ratio.square() + deviation.square() - 1.0) - ratio.log()).flatten(1).sum(1))
            latents = loc + scale * torch.randn_like(loc)
            state = group.cells(group.join(torch.cat([state, latents], 1)))
        return self.head(state), torch.stack(rates, 1)


class Spectral:
    """The largest singular values of all convolutions by power iterations that go on, and the scales of norms."""

    def __init__(self, network):
        stacks = {}
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                stacks.setdefault(module.weight.flatten(1).shape, []).append(module.weight)
        self.stacks = list(stacks.values())
        self.vectors = [torch.randn(len(stack), stack[0].shape[0], 1) for stack in self.stacks]
        self.scales = [module.weight for module in network.modules() if isinstance(module, nn.BatchNorm2d)]

    def __call__(self, vectors):
        """The sum, and the vectors of the next step."""
        total, moved = 0.0, []
        for stack, u in zip(self.stacks, vectors, strict=True):
            matrices = torch.stack([kernel.flatten(1) for kernel in stack])
            fixed = matrices.detach()
            for _ in range(4):
                v = functional.normalize(fixed.mT @ u, dim=1)
                u = functional.normalize(fixed @ v, dim=1)
            total = total + (u * (matrices @ v)).sum()
            moved.append(u)
        return total + sum(scale.abs().max() for scale in self.scales), moved


def nvae_training(variant):
    """A step on 100 binary images while the rate warms up."""
    network = NVAE().to(memory_format=layout(variant))
    x = torch.rand(100, 1, 28, 28).round().to(memory_format=layout(variant))
    spectral, sizes = Spectral(network), torch.tensor([49.0] * GROUPS + [196.0] * GROUPS) * LATENTS / GROUPS
    options = [option for option in variant.split("_") if option != "compile"]
    compute = torch.compile(_bound) if "compile" in variant.split("_") else _bound

    def loss():
        value, spectral.vectors = compute(network, spectral, x, sizes, spectral.vectors)
        return value

    return training(network, loss, "_".join(options))


def _bound(network, spectral, x, sizes, vectors):
    logits, rates = network(x)
    distortion = functional.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)
    balance = (rates.detach().mean(0) + 0.01) / sizes
    weights = 0.1 * balance / balance.mean()
    charge, vectors = spectral(vectors)
    return (distortion + (weights * rates).sum(1)).mean() + 0.01 * charge, [u.detach() for u in vectors]
