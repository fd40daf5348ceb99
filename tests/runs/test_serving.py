"""Lists of models for TF Serving: ours are kept up to date, users' only get what they lack."""

import pytest

from keras_dl.runs.publication import list_models
from keras_dl.runs.serving import merged_config, models_config

USERS = """# models of the department: config { name: "commented" }
model_config_list: {
  config { name: 'old', base_path: "/elsewhere/}old", model_version_policy { latest { num_versions: 2 } } }  # keep
}
"""


def saved_model(folder, name):
    (folder / name / "1").mkdir(parents=True)
    (folder / name / "1" / "saved_model.pb").touch()


def names(text):
    return text.count("config {") - text.count("commented")


def test_ours_holds_what_is_there(tmp_path):
    saved_model(tmp_path, "a")
    assert list_models(tmp_path / "models.config")
    old = (tmp_path / "models.config").read_text()
    assert old == models_config(tmp_path) and names(old) == 1
    saved_model(tmp_path, "b")
    (tmp_path / "a" / "1" / "saved_model.pb").unlink()
    assert merged_config(old, tmp_path) == models_config(tmp_path)
    assert '"b"' in models_config(tmp_path) and '"a"' not in models_config(tmp_path)


@pytest.mark.parametrize("text", [USERS, USERS.replace("  # keep\n}", "}"), "model_config_list{}\n"])
def test_a_users_list_keeps_its_lines(tmp_path, text):
    saved_model(tmp_path, "new")
    path = tmp_path / "models.config"
    path.write_text(text)
    assert list_models(path) and list_models(path)  # once is enough
    merged = path.read_text()
    assert merged.count('name: "new"') == 1 and '"/models/new"' in merged
    rest = merged.replace(models_config(tmp_path).removeprefix("model_config_list {\n").removesuffix("}\n"), "")
    assert "".join(rest.split()) == "".join(text.split())
    saved_model(tmp_path, "commented")
    assert list_models(path) and '"/models/commented"' in path.read_text()


def test_a_users_model_of_that_name_stays_as_it_is(tmp_path):
    saved_model(tmp_path, "old")
    assert merged_config(USERS, tmp_path) == USERS


@pytest.mark.parametrize(
    "text", ["", "custom_model_config { }", "model_config_list { config { ", "# model_config_list {}"]
)
def test_other_files_are_left(tmp_path, text):
    saved_model(tmp_path, "new")
    (tmp_path / "models.config").write_text(text)
    assert not list_models(tmp_path / "models.config")
    assert (tmp_path / "models.config").read_text() == text


def test_merged_lists_are_lists_for_a_server(tmp_path):
    text_format = pytest.importorskip("google.protobuf.text_format")
    config_pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2", reason="extra serve")
    saved_model(tmp_path, "new")
    config = text_format.Parse(merged_config(USERS, tmp_path), config_pb2.ModelServerConfig())
    assert [model.name for model in config.model_config_list.config] == ["old", "new"]
