// The module of WebAssembly that this browser computes with.

async function bound(name) {
  const module = await import(`./${name}/tweedie.js`);
  await module.default({ module_or_path: new URL(`./${name}/tweedie_bg.wasm`, import.meta.url) });
  return module;
}

// `fused` multiplies and adds by an instruction that may round once or twice, as the engine likes. It is taken where it rounds
// once, as the program does; else `exact`, which computes the same bits of other instructions, and takes longer.
export async function load() {
  try {
    const fused = await bound("fused");
    if (JSON.parse(fused.kernels()).fused) return fused;
  } catch (error) {
    // An engine that does not know the instruction refuses the module.
    if (!(error instanceof WebAssembly.CompileError)) throw error;
  }
  return bound("exact");
}
