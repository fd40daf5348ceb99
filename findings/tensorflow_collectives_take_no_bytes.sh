#!/usr/bin/env bash
# TensorFlow 2.21: `all_gather` of replicas takes float16, float32, int32 and int64 but no uint8, int8 or bool, although
# no arithmetic is done: images that are kept as bytes cannot be exchanged as such. (The first value of a uint8 variable
# cannot be broadcast to the workers of MultiWorkerMirroredStrategy for the same reason.) Four bytes in an int32, by
# `tf.bitcast`, pass. Seen: shapes for the former, TypeError for the latter. Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow==2.21.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 AUTOGRAPH_VERBOSITY=0 "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def gathered(make):
    def on_replica():
        return tf.distribute.get_replica_context().all_gather(make(), axis=0)

    result = tf.function(lambda: strategy.run(on_replica), autograph=False)()
    return strategy.experimental_local_results(result)[0]


print(f"tensorflow {tf.__version__}")
for dtype in (tf.float16, tf.float32, tf.int32):
    print(dtype.name, gathered(lambda: tf.ones([2, 4], dtype)).shape)
for dtype in (tf.uint8, tf.int8, tf.bool):
    try:
        gathered(lambda: tf.cast(tf.ones([2, 4]), dtype))
        raise SystemExit(f"changed: {dtype.name} is gathered")
    except TypeError as error:
        print(dtype.name, type(error).__name__)
images = [[0, 1, 128, 255]]
words = gathered(lambda: tf.bitcast(tf.constant(images, tf.uint8), tf.int32))
print("as words:", tf.bitcast(words, tf.uint8).numpy().tolist())
assert tf.bitcast(words, tf.uint8).numpy().tolist() == images * 2
PROGRAM
