// Types that the scripts share. Not published.
// PageData mirrors generator/present/pages/views.py, Header mirrors generator/present/cells/chunks/chunk.py.

declare const COLOR_TABLES: Record<string, string>;

/** A label of a wall's row: the layer's number from 1, or "pool". */
type RowLabel = string;
/** The number of a head from 1, or "mean", "max" or "min". */
type HeadLabel = string;

interface PageModel {
  slug: string;
  label: string;
  record: string;
  layers: number;
  heads: number;
  rows: RowLabel[];
  grid: [number, number];
  view: [number, number, number, number];
  prefix: string[];
  token: string;
  chunks: Record<string, string>;
  failure: string;
  /** Address of the features of its patches; empty where there are none. */
  alike: string;
  /** Model id, commit, grid and preprocessing, for captions. */
  source: string;
  /** Rows and columns of the patches; `grid` has fewer where maps are area means. */
  measured: [number, number];
  /** Why heads of the model are missing on the page; empty if none are. */
  cut: string;
  /** Side of the windows within which some layers attend, in patches; 0 without. */
  window: number;
  windowed: RowLabel[];
}

/** Features of all patches, a line for each direction (generator/present/cells/alike.py). */
interface AlikeFeatures {
  record: string;
  codes: Uint8Array;
  patches: number;
  scales: number[];
  /** The largest and the mean error of a cosine. */
  error: [number, number];
}

interface AlikeHeader {
  scales: number[];
  error: [number, number];
}

interface PageData {
  slug: string;
  title: string;
  credit: string;
  width: number;
  height: number;
  scale: [number, number];
  /** The same for patches as queries. */
  patch_scale: [number, number];
  colors: string;
  queries: { id: string; label: string }[];
  layers: number;
  heads: number;
  pool: boolean;
  models: PageModel[];
  /** Of a sequence; empty on the page of an image. */
  frames: PageBase[];
  sweeps: PageSweep[];
}

interface PageBase {
  slug: string;
  title: string;
  /** The time in seconds, or the number in the picture's name. */
  label: string;
  /** Seconds from the first. */
  time: number;
  /** Its published picture, relative to the site; empty without one. */
  picture: string;
  models: Pick<PageModel, "record" | "chunks" | "failure" | "cut" | "alike">[];
}

/** Checkpoints of one model; `model` is an index into the models. */
interface PageSweep {
  label: string;
  steps: { step: number; model: number }[];
}

interface Statistics {
  entropy: number[][];
  entropy_patches: number[][];
  distance: number[][];
  distance_patches: number[][];
  /** Base64 of a PNG: codes, one line a layer, the first the embedding. */
  norms: string;
}

interface Header {
  record: string;
  query: string;
  token: string;
  rows: RowLabel[];
  heads: number;
  grid: [number, number];
  keys: number[];
  groups: string[];
  /** [row, head + mean], times uniform; null if there is no such head. */
  maxima: (number | null)[][];
  /** [row, head + mean, key group], shares of 1. */
  mass: (number | null)[][][];
  statistics: Statistics;
  /** Rows and columns of the patches; `grid` has fewer where maps are area means. */
  facts?: { layout: { rows: number; cols: number } };
}

/** Mirrors generator/present/cells/chunks/patches.py. */
interface PatchHeader {
  record: string;
  query: string;
  rows: RowLabel[];
  /** 0 when only the mean over heads is kept. */
  heads: number;
  grid: [number, number];
  keys: number;
  groups: string[];
  maxima: string;
  mass: string;
  statistics: Statistics;
}

/** All patch queries of a model: each line of `codes` is one map. */
interface PatchChunk {
  header: PatchHeader;
  codes: Uint8Array;
  norms: Uint8Array;
  /** [row, head + mean, query] */
  maxima: Float32Array;
  /** [row, head + mean, query, key group], share of 1 times 65535. */
  mass: Uint16Array;
}

/** A chunk's header, and its codes as a PNG. */
interface Packed {
  header: Header;
  png: Uint8Array;
}

/** A decoded chunk: the header and the codes of all maps, heads across, layers down. */
interface Chunk {
  header: Header;
  codes: Uint8Array;
  width: number;
  /** Codes of norms, [layer, patch]; layer 0 is the embedding. */
  norms: Uint8Array;
  /** The patch that is the query: shown, but left out of ranges and of the strongest. */
  self: Patch | null;
}

/** A range of times uniform, and its mapping to colors. */
interface ScaleRange {
  low: number;
  high: number;
  form: FormName;
}

/** Clipped patches, and the number that were counted. */
interface OffScale {
  above: number;
  below: number;
  of: number;
}

/** Clipped patches of all maps of a model, and of its minima over heads, counted separately. */
interface ModelOffScale extends OffScale {
  least: OffScale;
}

/** A place in the original picture, in its pixels. */
interface Place {
  x: number;
  y: number;
}

/** A part of the original picture, in its pixels. */
interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Patch {
  row: number;
  col: number;
}

type ScaleName = "shared" | "model" | "layer" | "map";
type FormName = "log2" | "sqrt" | "linear";
type OutliersName = "plain" | "outline";
type DrawName = "nearest" | "smooth";

type ViewName = "wall" | "heads" | "layers" | "pair";
type HowName = "difference" | "flicker" | "slider";
type OrderName = "number" | "different";
type PairLayers = "number" | "depth";
type PairHeads = "number" | "entropy" | "distance" | "mass" | "match";

/** A patch grid and what it covers, in original pixels; a model has one. */
interface Grid {
  grid: [number, number];
  view: [number, number, number, number];
}

/** A map in a row of maps. */
interface Tile {
  /** Its place in the atlas; null if there is none. */
  at: { row: number; column: number } | null;
  layer: RowLabel;
  head: HeadLabel;
  label: string;
  /** The kind of the label, for screen readers. */
  of: string;
  chosen: boolean;
  apart: number;
}

/** Callbacks of the views below the large maps. */
interface ViewActions {
  set(patch: Partial<State>, how: "push" | "walk" | "replace"): void;
  choose(tile: Tile): void;
  point(place: Place | null): void;
  pin(place: Place, second: boolean): void;
  show(view: ModelView, state: State): Shown;
  paint(view: ModelView): HTMLCanvasElement | null;
}

interface State {
  layer: RowLabel;
  head: HeadLabel;
  query: string;
  scale: ScaleName;
  form: FormName;
  /** Percent of the values cut off at each end of a scale. */
  clip: number;
  /** Percent of the mass on patches that is kept; 100 is all. */
  keep: number;
  outliers: OutliersName;
  draw: DrawName;
  strength: number;
  /** The pinned place. */
  place: Place | null;
  /** The place whose patch is the query, when the query is a patch. */
  from: Place | null;
  /** The place whose patch is compared with all others; null for the middle of the picture. */
  alike: Place | null;
  view: ViewName;
  /** Slugs of the two models that are compared. */
  a: string;
  b: string;
  how: HowName;
  /** Percent of the picture that shows the first of the two. */
  slide: number;
  order: OrderName;
  pairLayers: PairLayers;
  pairHeads: PairHeads;
  /** Of a sequence, from 1. */
  frame: number;
  /** The chosen step of each sweep. */
  steps: number[];
  /** Whether all steps are side by side. */
  spread: boolean;
  /** Whether the page shows the maps and their legend alone, inside another page. */
  embed: boolean;
}

/** How a choice enters the history: `walk` merges quick steps into one entry, `hold` adds none yet. */
type How = "push" | "walk" | "replace" | "hold";

/** The map that a model shows for a state. */
type Shown =
  | { kind: "map"; row: number; column: number; range: ScaleRange }
  | { kind: "cosine"; values: Float32Array; own: Patch; error: number }
  | { kind: "absent"; reason: string }
  | { kind: "loading" }
  | { kind: "failed"; reason: string };

interface ModelView {
  index: number;
  model: PageModel;
  colors: string;
  chunk: Chunk | null;
  patches: PatchChunk | null;
  /** Features of its patches, for queries that are not kept. */
  features: AlikeFeatures | null;
  /** Cuts a query's chunk out of the patch queries; null before the first. */
  cut: ((all: PatchChunk, heads: number, at: Patch) => Chunk) | null;
  problem: string;
  wall: Wall;
  stage: Stage;
  readout: Readout;
}

interface Wall {
  /** `lacking`: why the model has no wall for the chosen query; empty if it has one. */
  update(view: ModelView, chosen: State, preview: State, lacking: string): void;
}

/** Callbacks of a wall. */
interface WallActions {
  preview(layer: RowLabel, head: HeadLabel): void;
  endPreview(): void;
  choose(layer: RowLabel, head: HeadLabel, how: "push" | "walk"): void;
  /** A cell was clicked. */
  clicked(): void;
  /** Update everything again in the next frame. */
  again(): void;
  /** The models that have a wall. */
  peers(): PageModel[];
  /** Go to the previous (-1) or next (1) image. */
  turn(by: number): void;
  /** All maps of the chosen query in one picture, one pixel a patch; null while they load. */
  paint(view: ModelView): HTMLCanvasElement | null;
}

/** The enlarged map beside the pointer. */
interface Lens {
  hide(): void;
  show(event: MouseEvent, atlas: HTMLCanvasElement, map: MapPlace, text: string): void;
}

/** Where a map is in an atlas, and the shape of its picture. */
interface MapPlace {
  x: number;
  y: number;
  cols: number;
  rows: number;
  shape: number;
}

/** A wall's rows and columns, and the size of its cells in CSS pixels. */
interface WallSize {
  /** The line of each row, from 0: rows of the same depth are on one line in all walls. */
  lines: number[];
  columns: number;
  ratio: number;
  width: number;
  height: number;
}

/** Callbacks of a stage. */
interface StageActions {
  /** The pointer is at a place; null when it left. */
  point(place: Place | null): void;
  /** A click on a place; `second`: with Shift. */
  pin(place: Place, second: boolean): void;
  /** Move by rows and columns. */
  step(by: [number, number], second: boolean): void;
  /** Enter or Space. */
  enter(second: boolean): void;
}

interface Stage {
  /** `view` is null for the picture alone. */
  update(view: ModelView | null, state: State, shown: Shown, place: Place | null): void;
}

interface Readout {
  /** `cells`: of its row in the table of values. `differ`: whether the models' maps are not all on one range. */
  update(view: ModelView, state: State, shown: Shown, cells: (Node | string)[], differ: boolean): void;
}
