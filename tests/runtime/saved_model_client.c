/* Runs one signature of a SavedModel through TensorFlow's C API.

   client FOLDER OUTPUT_OP OUTPUT_INDEX RESULT_FILE [INPUT_OP KIND DIMS FILE]...

   KIND is f (float32), i (int32) or l (int64), DIMS like 5,8,8,1 or "scalar", FILE the raw values. The output, float32,
   is written raw to RESULT_FILE and its shape printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>

#define MAX_INPUTS 8

static void fail(const char* what, const char* why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void check(TF_Status* status, const char* what) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

static TF_Output operation(TF_Graph* graph, const char* name, int index) {
  TF_Output output = {TF_GraphOperationByName(graph, name), index};
  if (!output.oper) fail("no such operation", name);
  return output;
}

static TF_Tensor* read_tensor(char kind, const char* dims_text, const char* path) {
  TF_DataType type = kind == 'f' ? TF_FLOAT : kind == 'i' ? TF_INT32 : TF_INT64;
  int64_t dims[8];
  int rank = 0;
  size_t count = 1;
  if (strcmp(dims_text, "scalar")) {
    char* text = strdup(dims_text);
    for (char* part = strtok(text, ","); part; part = strtok(NULL, ",")) {
      dims[rank] = atoll(part);
      count *= dims[rank++];
    }
    free(text);
  }
  TF_Tensor* tensor = TF_AllocateTensor(type, dims, rank, count * TF_DataTypeSize(type));
  FILE* file = fopen(path, "rb");
  if (!file) fail("cannot open", path);
  if (fread(TF_TensorData(tensor), TF_DataTypeSize(type), count, file) != count) fail("too short", path);
  fclose(file);
  return tensor;
}

int main(int argc, char** argv) {
  if (argc < 5 || (argc - 5) % 4 || argc > 5 + 4 * MAX_INPUTS) fail("usage", argv[0]);
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[] = {"serve"};
  TF_Session* session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  check(status, "loading");

  int inputs = (argc - 5) / 4;
  TF_Output input_operations[MAX_INPUTS];
  TF_Tensor* input_tensors[MAX_INPUTS];
  for (int i = 0; i < inputs; i++) {
    char** given = argv + 5 + 4 * i;
    input_operations[i] = operation(graph, given[0], 0);
    input_tensors[i] = read_tensor(given[1][0], given[2], given[3]);
  }
  TF_Output output = operation(graph, argv[2], atoi(argv[3]));
  TF_Tensor* result = NULL;
  TF_SessionRun(session, NULL, input_operations, input_tensors, inputs, &output, &result, 1, NULL, 0, NULL, status);
  check(status, "running");

  for (int i = 0; i < TF_NumDims(result); i++) printf("%lld ", (long long)TF_Dim(result, i));
  FILE* file = fopen(argv[4], "wb");
  if (!file || fwrite(TF_TensorData(result), 1, TF_TensorByteSize(result), file) != TF_TensorByteSize(result))
    fail("cannot write", argv[4]);
  fclose(file);
  return 0;
}
