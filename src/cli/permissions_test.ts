import { assertEquals } from "@std/assert";
import { parseCommand } from "./args.ts";
import { commandOf } from "./flags.ts";
import { permissionFlags } from "./permissions.ts";
import type { Places } from "./permissions.ts";

/** The lists of each --allow flag for a command line typed in /home/me. */
function allowed(...words: string[]): Record<string, string[]> {
  return allowedOn({}, ...words);
}

/** The same where other places are there. */
function allowedOn(places: Partial<Places>, ...words: string[]): Record<string, string[]> {
  const [name = "", ...rest] = words;
  const command = commandOf(name)!;
  const flags = permissionFlags(command, parseCommand(command, rest), {
    root: "/kerf",
    cache: "/big/cache",
    cwd: "/home/me",
    compiler: "tcc",
    deno: "/bin/deno",
    cudaLibraries: ["/usr/lib/libcuda.so.1"],
    findProgram: (program) => /^clang/.test(program) ? [] : [`/bin/${program}`],
    ...places,
  });
  const lists = flags.filter((flag) => flag.startsWith("--allow-")).map((flag) => {
    const [, kind, list] = /^--allow-(\w+)(?:=(.*))?$/.exec(flag)!;
    return [kind, list?.split(/(?<!,),(?!,)/) ?? []] as const;
  });
  assertEquals(flags.filter((flag) => !flag.startsWith("--allow-")), ["--no-prompt"]);
  return Object.fromEntries(lists);
}

/** What every command that runs a model starts: compilers, and Deno to render kernels. */
const PROGRAMS = ["/bin/tcc", "/bin/cc", "/bin/gcc", "/bin/deno"];

Deno.test("the default model needs pip, whose network is its own", () => {
  const { env: _, ...rest } = allowed("run", "hi");
  const programs = [...PROGRAMS, "/bin/python3"];
  assertEquals(rest, {
    read: ["/kerf", "/big/cache", ...programs],
    write: ["/big/cache"],
    ffi: ["/big/cache"],
    run: programs,
  });
});

Deno.test("a model file is readable, a hub's model needs the network", () => {
  const file = allowed("run", "-m", "m.gguf", "-f", "/tmp/a,b.txt", "hi");
  const read = ["/kerf", "/big/cache", ...PROGRAMS, "/tmp/a,,b.txt", "/home/me/m.gguf"];
  assertEquals([file.read, file.run, file.net], [read, PROGRAMS, undefined]);
  const hub = allowed("run", "-m", "hf:user/repo", "hi");
  assertEquals([hub.read, hub.run, hub.net], [
    ["/kerf", "/big/cache", ...PROGRAMS],
    PROGRAMS,
    [],
  ]);
});

Deno.test("tables that a spec reads from files are readable", () => {
  const prune = "none+x:widths=w.safetensors,ratio=0.5";
  const { read } = allowed("bench", "-m", "/m.gguf", "--prune", "think", "--prune", prune);
  // A spec that is none gives no files.
  assertEquals(read!.includes("/home/me/w.safetensors"), false);
  const spec = allowed("bench", "-m", "/m.gguf", "--prune", prune.replace("none+", ""));
  assertEquals(spec.read!.at(-1), "/home/me/w.safetensors");
});

Deno.test("a budget file of a spec is readable, and one that is written under its first name too", () => {
  const words = ["-m", "/m.gguf", "--prune", "think:ratio=b.json"];
  assertEquals(allowed("run", ...words, "hi").read!.at(-1), "/home/me/b.json");
  const { read, write, run } = allowed("eval calibrate", ...words, "-o", "new/c.json");
  assertEquals(read!.includes("/home/me/new/c.json.part"), true);
  assertEquals(write, ["/big/cache", "/home/me/new"]);
  assertEquals(run, [...PROGRAMS, "/bin/git"]);
});

Deno.test("gen writes generated/ and starts nothing", () => {
  const { env: _, ...rest } = allowed("gen", "--check");
  assertEquals(rest, { read: ["/kerf", "/big/cache"], write: ["/kerf/generated"] });
});

Deno.test("new writes kernels/ and starts nothing", () => {
  const { env: _, ...rest } = allowed("new", "prune", "my_idea");
  assertEquals(rest, { read: ["/kerf", "/big/cache"], write: ["/kerf/kernels"] });
});

Deno.test("bench may run the peer and git", () => {
  const { run } = allowed("bench", "-m", "/m.gguf", "--vs", "llama/llama-bench");
  assertEquals(run, [...PROGRAMS, "/bin/git", "/home/me/llama/llama-bench"]);
});

Deno.test("eval may run git and read every text, also those that a shell's * made", () => {
  const { read, run } = allowed("eval", "-m", "/m.gguf", "--text", "a.txt", "b.txt", "/c.txt");
  assertEquals(run, [...PROGRAMS, "/bin/git"]);
  const texts = ["/home/me/a.txt", "/home/me/b.txt", "/c.txt"];
  assertEquals(texts.filter((file) => !read!.includes(file)), []);
});

Deno.test("CUDA needs the driver's library and nvcc, and nothing else does", () => {
  const FFI = ["/big/cache", "/usr/lib/libcuda.so.1"];
  for (const device of ["cuda", "auto"]) {
    const { ffi, read, run, sys } = allowed("run", "-m", "/m.gguf", "--device", device, "hi");
    assertEquals([ffi, run, sys], [FFI, [...PROGRAMS, "/bin/nvcc"], undefined]);
    assertEquals(read!.includes("/usr/lib/libcuda.so.1"), true);
  }
  for (const device of ["cpu", "webgpu"]) {
    const { ffi, read, run } = allowed("run", "-m", "/m.gguf", "--device", device, "hi");
    assertEquals([ffi, run], [["/big/cache"], PROGRAMS]);
    assertEquals(read!.includes("/usr/lib/libcuda.so.1"), false);
  }
});

Deno.test("the emulated GPU's kernels need a C++ compiler", () => {
  const run = (device: string) =>
    allowedOn({ emulatorCompilers: ["c++"] }, "run", "-m", "/m.gguf", "--device", device).run;
  assertEquals(run("cuda"), [...PROGRAMS, "/bin/nvcc", "/bin/c++"]);
  assertEquals(run("cpu"), PROGRAMS);
});

Deno.test("inspect devices looks at all of it, and inspect kernel compiles for the GPU", () => {
  const devices = allowed("inspect", "devices", "-m", "/m.gguf");
  assertEquals([devices.ffi!.length, devices.sys], [2, ["systemMemoryInfo"]]);
  assertEquals(devices.run, [...PROGRAMS, "/bin/nvcc"]);
  const kernel = allowed("inspect", "kernel", "decode", "-m", "/m.gguf", "--target", "cuda");
  assertEquals([kernel.ffi!.length, kernel.sys], [2, undefined]);
  assertEquals(kernel.run, [...PROGRAMS, "/bin/nvcc"]);
  assertEquals(allowed("gen", "--target", "cuda").run, undefined);
  // A prompt, not a subject.
  assertEquals(allowed("run", "-m", "/m.gguf", "devices").sys, undefined);
});

Deno.test("WebGPU's variables are set before it starts", () => {
  const { env } = allowed("run", "hi");
  assertEquals(env!.includes("DENO_WEBGPU_BACKEND") && env!.includes("XDG_RUNTIME_DIR"), true);
});

Deno.test("verify compiles for every device that is here, and writes beside its report", () => {
  const emulator = { emulatorCompilers: ["c++"] };
  const all = allowedOn(emulator, "verify", "think", "--report", "out/think.html");
  assertEquals(all.run, [...PROGRAMS, "/bin/nvcc", "/bin/c++"]);
  assertEquals(all.write, ["/big/cache", "/home/me/out"]);
  assertEquals(all.net, undefined);
  assertEquals(allowedOn(emulator, "verify", "--device", "cpu").run, PROGRAMS);
});
