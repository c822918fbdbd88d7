"""What could run here, how much it needs, how it gets here.

types       the words of the room: shapes, files, plans, choices, models on the disk
catalog     the models that DeskSeek knows (resources/catalog.json)
quants      what the names of GGUF files say

gguf        the header of a file, read before llama.cpp sees it: gguf_format (the container, within bounds),
            gguf_bounds (what must hold between its numbers), ggml_types
machines    figures about memory and cards (resources/machines.json); entries reads both data files with checks
budget      what a machine has to give
weights     where the bytes of a model lie inside it
footprint   how much memory a way to run it takes, and where
speed       how fast it decodes then
ways        all that is possible; advisor weighs it, reasons puts it into words
planner     the best way to run one file here, confirmed by llama.cpp itself (ports: what the engine fulfils)

sources     where models come from: remote (what a source is), hub (Hugging Face and mirrors), modelscope, refusals
            (what they mean when they do not give); links (what a person pastes), listing (what a repository has for us)
remote_header  the header of a file on a hub or at any address: header_cache keeps it, sparse makes files with a hole
download    fetches

library     what is on this disk: seen (what headers said), shelving (header, receipt and place put together), names
            (ids and versions), index (what is remembered), walk (looking through folders, within bounds)
elsewhere   what other programs hold; ollama (its store)
taking_in   files, folders and sticks, in place or copied; verify (is it still what was published), newer (is there a
            newer one), trash (deleted, and back)
adapters    LoRA adapters: what is one, and for which model; adapter_shelf keeps which are worn
"""
