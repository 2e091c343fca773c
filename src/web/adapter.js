// What wgpu does not tell of the graphics card.

/**
 * What the fastest adapter calls itself, or else its maker and kind: most browsers keep more to themselves.
 */
export async function adapterName() {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  const { description, vendor, architecture } = adapter?.info ?? {};
  return description || [vendor, architecture].filter(Boolean).join(" ");
}
