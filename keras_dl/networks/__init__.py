"""Networks: functional `keras.Model` factories, tensors to tensors, without loss or optimizer."""

from keras_dl.networks import conditions
from keras_dl.networks.conv import conv_decoder, conv_encoder
from keras_dl.networks.dcgan import dcgan_critic, dcgan_generator
from keras_dl.networks.lenet import lenet5
from keras_dl.networks.mlp import mlp_decoder, mlp_encoder
from keras_dl.networks.mlp_gan import mlp_critic, mlp_generator
from keras_dl.networks.registry import create, list
from keras_dl.networks.resnet_gan import resnet_critic, resnet_generator
from keras_dl.networks.siren import siren
from keras_dl.networks.unet import unet, unet3d
from keras_dl.networks.unet_plus_plus import prune, unet_plus_plus

__all__ = [
    "conditions",
    "conv_decoder",
    "conv_encoder",
    "create",
    "dcgan_critic",
    "dcgan_generator",
    "lenet5",
    "list",
    "mlp_critic",
    "mlp_decoder",
    "mlp_encoder",
    "mlp_generator",
    "prune",
    "resnet_critic",
    "resnet_generator",
    "siren",
    "unet",
    "unet3d",
    "unet_plus_plus",
]
