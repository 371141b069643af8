// Types that the scripts share. Not published.
// PageData mirrors generator/present/views.py, Header mirrors generator/present/chunk.py.

declare const COLOUR_TABLES: Record<string, string>;

/** A label of a wall's row: the layer's number from 1, or "pool". */
type RowLabel = string;
/** The number of a head from 1, or "mean". */
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
}

interface PageData {
  width: number;
  height: number;
  scale: [number, number];
  colours: string;
  queries: { id: string; label: string }[];
  layers: number;
  heads: number;
  pool: boolean;
  start: RowLabel;
  models: PageModel[];
}

interface Statistics {
  entropy: number[][];
  entropy_patches: number[][];
  distance: number[][];
  distance_patches: number[][];
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
  /** [row, head + mean], times uniform; null where there is no such head. */
  maxima: (number | null)[][];
  /** [row, head + mean, key group], shares of 1. */
  mass: (number | null)[][][];
  statistics: Statistics;
}

/** A decoded chunk: the header and the codes of all maps, heads across, layers down. */
interface Chunk {
  header: Header;
  codes: Uint8Array;
  width: number;
}

/** A range of times uniform, as powers of two. */
interface ScaleRange {
  low: number;
  high: number;
}

/** A place in the original picture, in its pixels. */
interface Place {
  x: number;
  y: number;
}

interface Patch {
  row: number;
  col: number;
}

type ScaleName = "shared" | "map";
type DrawName = "nearest" | "smooth";

interface State {
  layer: RowLabel;
  head: HeadLabel;
  query: string;
  scale: ScaleName;
  draw: DrawName;
  strength: number;
  place: Place | null;
}

/** What a model shows for a state. */
type Shown =
  | { kind: "map"; row: number; column: number }
  | { kind: "absent"; reason: string }
  | { kind: "loading" }
  | { kind: "failed"; reason: string };

interface ModelView {
  index: number;
  model: PageModel;
  chunk: Chunk | null;
  problem: string;
  wall: Wall;
  stage: Stage;
  readout: Readout;
}

interface Wall {
  /** `lacking`: why the model has no wall for the chosen query; empty when it has. */
  update(view: ModelView, chosen: State, preview: State, lacking: string): void;
}

/** What a wall asks of the page. */
interface WallActions {
  preview(layer: RowLabel, head: HeadLabel): void;
  endPreview(): void;
  choose(layer: RowLabel, head: HeadLabel, how: "push" | "walk"): void;
  /** Go to the previous (-1) or next (1) image. */
  turn(by: number): void;
  /** All maps of the chosen query in one picture, one pixel a patch; null while they load. */
  paint(view: ModelView): HTMLCanvasElement | null;
}

/** A wall's rows and columns, and the size of its cells in CSS pixels. */
interface WallSize {
  rows: number;
  columns: number;
  ratio: number;
  width: number;
  height: number;
}

/** What a stage asks of the page. */
interface StageActions {
  /** The pointer is at a place; null when it left. */
  point(place: Place | null): void;
  /** Keep a place. */
  pin(place: Place): void;
  /** Move the kept place by rows and columns. */
  step(by: [number, number]): void;
}

interface Stage {
  /** `view` is null for the picture alone. */
  update(view: ModelView | null, state: State, shown: Shown, place: Place | null): void;
}

interface Readout {
  update(view: ModelView, state: State, shown: Shown, place: Place | null): void;
}
