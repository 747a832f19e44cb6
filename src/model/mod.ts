/** Model files: what they hold, their tokenizer and chat template, and where they come from. */
export * from "./chat.ts";
export * from "./config.ts";
export * from "./fetch.ts";
export * from "./gguf.ts";
export * from "./llama_tensors.ts";
export * from "./rope_table.ts";
export * from "./safetensors.ts";
export * from "./write_safetensors.ts";
export * from "./tokenizer.ts";
