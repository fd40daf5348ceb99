"""Networks: functional `keras.Model` factories, tensors to tensors, without loss or optimizer."""

from keras_dl.networks import condition_inputs as conditions
from keras_dl.networks.alexnet import alexnet
from keras_dl.networks.conv import conv_decoder, conv_encoder
from keras_dl.networks.dcgan import dcgan_critic, dcgan_generator
from keras_dl.networks.denoising_mlp import denoising_mlp
from keras_dl.networks.denoising_unet import denoising_unet
from keras_dl.networks.densenet import (
    densenet,
    densenet40,
    densenet121,
    densenet161,
    densenet169,
    densenet201,
    densenet_bc_40,
    densenet_bc_100,
    densenet_cifar,
)
from keras_dl.networks.dit import dit
from keras_dl.networks.features import features
from keras_dl.networks.googlenet import googlenet
from keras_dl.networks.h_net import h_net
from keras_dl.networks.interpolation import interpolate
from keras_dl.networks.ladder import ladder_decoder, ladder_encoder
from keras_dl.networks.lapgan import lapgan_critic, lapgan_generator
from keras_dl.networks.lenet import lenet5
from keras_dl.networks.mlp import mlp_decoder, mlp_encoder
from keras_dl.networks.mlp_gan import mlp_critic, mlp_generator
from keras_dl.networks.network_in_network import network_in_network
from keras_dl.networks.nvae import nvae_decoder, nvae_encoder
from keras_dl.networks.patch_critic import patch_critic
from keras_dl.networks.perceptual import vgg19_maps
from keras_dl.networks.progressive import progressive_critic, progressive_generator
from keras_dl.networks.registry import create, list
from keras_dl.networks.resnet import (
    resnet,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    se_resnet18,
    se_resnet34,
    se_resnet50,
    se_resnet101,
)
from keras_dl.networks.resnet_cifar import resnet20, resnet32, resnet44, resnet56, resnet110, resnet_cifar
from keras_dl.networks.resnet_gan import resnet_critic, resnet_generator
from keras_dl.networks.rrdb import rrdb, srgan_critic
from keras_dl.networks.siren import siren
from keras_dl.networks.squeezenet import squeezenet, squeezenet1_0, squeezenet1_1
from keras_dl.networks.stylegan import stylegan_generator, stylegan_mapping, stylegan_synthesis
from keras_dl.networks.stylegan_critic import stylegan_critic
from keras_dl.networks.stylegan_weights import load_stylegan2_weights
from keras_dl.networks.super_resolution import edsr, espcn, srresnet
from keras_dl.networks.top_down import Group, TopDown
from keras_dl.networks.transfer import transfer_weights
from keras_dl.networks.translation import pix2pix_generator, resnet_translator
from keras_dl.networks.unet import unet, unet3d
from keras_dl.networks.unet_dense import dense_unet, h_dense_unet
from keras_dl.networks.unet_plus_plus import prune, unet_plus_plus
from keras_dl.networks.vgg import vgg, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn

__all__ = [
    "Group",
    "TopDown",
    "alexnet",
    "conditions",
    "conv_decoder",
    "conv_encoder",
    "create",
    "dcgan_critic",
    "dcgan_generator",
    "denoising_mlp",
    "denoising_unet",
    "dit",
    "dense_unet",
    "densenet",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "densenet40",
    "densenet_bc_100",
    "densenet_bc_40",
    "densenet_cifar",
    "edsr",
    "espcn",
    "features",
    "googlenet",
    "h_dense_unet",
    "h_net",
    "interpolate",
    "ladder_decoder",
    "ladder_encoder",
    "lenet5",
    "lapgan_critic",
    "lapgan_generator",
    "list",
    "load_stylegan2_weights",
    "mlp_critic",
    "mlp_decoder",
    "mlp_encoder",
    "mlp_generator",
    "network_in_network",
    "nvae_decoder",
    "nvae_encoder",
    "patch_critic",
    "pix2pix_generator",
    "progressive_critic",
    "progressive_generator",
    "prune",
    "resnet",
    "resnet101",
    "resnet110",
    "resnet152",
    "resnet18",
    "resnet20",
    "resnet32",
    "resnet34",
    "resnet44",
    "resnet50",
    "resnet56",
    "resnet_cifar",
    "resnet_critic",
    "resnet_generator",
    "resnet_translator",
    "rrdb",
    "se_resnet101",
    "se_resnet18",
    "se_resnet34",
    "se_resnet50",
    "siren",
    "squeezenet",
    "squeezenet1_0",
    "squeezenet1_1",
    "srgan_critic",
    "srresnet",
    "stylegan_critic",
    "stylegan_generator",
    "stylegan_mapping",
    "stylegan_synthesis",
    "transfer_weights",
    "unet",
    "unet3d",
    "unet_plus_plus",
    "vgg",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "vgg19_maps",
]
