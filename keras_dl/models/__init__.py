"""Models: families that users compile and fit, all on one base."""

from keras_dl.models.base import ObjectiveModel, Update
from keras_dl.models.continuous_flow import ContinuousFlow
from keras_dl.models.cycle_gan import CycleGAN
from keras_dl.models.diffusion import Diffusion
from keras_dl.models.energy_model import EnergyModel
from keras_dl.models.flow import NormalizingFlow
from keras_dl.models.flow_forms import MAF, Glow, NeuralSplineFlow, RealNVP
from keras_dl.models.flow_matching import FlowMatching
from keras_dl.models.flow_parts import FlowPosterior, FlowPrior
from keras_dl.models.gan import GAN
from keras_dl.models.gan_variants import DCGAN, WGAN, WGANGP, ConditionalGAN
from keras_dl.models.gaussian_mixture import GaussianMixture
from keras_dl.models.hierarchical_vae import HierarchicalVAE
from keras_dl.models.jem import JEM
from keras_dl.models.kmeans import KMeans
from keras_dl.models.lapgan import LAPGAN
from keras_dl.models.nvae import NVAE
from keras_dl.models.pix2pix import Pix2Pix
from keras_dl.models.ppca import PCA, PPCA
from keras_dl.models.progressive_gan import ProgressiveGAN
from keras_dl.models.rbm import RBM
from keras_dl.models.siamese import Siamese
from keras_dl.models.srgan import ESRGAN, SRGAN
from keras_dl.models.stylegan import StyleGAN
from keras_dl.models.super_resolution import SuperResolution
from keras_dl.models.supervised import Supervised
from keras_dl.models.vae import VAE, ConditionalVAE

__all__ = [
    "DCGAN",
    "ESRGAN",
    "GAN",
    "JEM",
    "LAPGAN",
    "MAF",
    "NVAE",
    "PCA",
    "PPCA",
    "ProgressiveGAN",
    "RBM",
    "SRGAN",
    "VAE",
    "WGAN",
    "WGANGP",
    "ConditionalGAN",
    "ConditionalVAE",
    "CycleGAN",
    "ContinuousFlow",
    "Diffusion",
    "EnergyModel",
    "FlowMatching",
    "FlowPosterior",
    "FlowPrior",
    "GaussianMixture",
    "Glow",
    "HierarchicalVAE",
    "KMeans",
    "NeuralSplineFlow",
    "NormalizingFlow",
    "ObjectiveModel",
    "Pix2Pix",
    "RealNVP",
    "Siamese",
    "StyleGAN",
    "SuperResolution",
    "Supervised",
    "Update",
]
