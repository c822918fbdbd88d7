"""Cut a GGUF into parts as llama.cpp's gguf-split does, each with its own header and list of tensors."""

from pathlib import Path

import gguf


def split_gguf(source: Path, folder: Path, stem: str, tensors: int) -> list[Path]:
    """Write `stem-0000N-of-0000M.gguf` into `folder`, at most so many tensors in each; gives the paths in order."""
    reader = gguf.GGUFReader(source)
    architecture = str(reader.fields["general.architecture"].contents())
    writer = gguf.GGUFWriter(folder / f"{stem}.gguf", architecture, split_max_tensors=tensors)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        sub_type = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], sub_type)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(folder.glob(f"{stem}-*-of-*.gguf"))
