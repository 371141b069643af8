// Types that the scripts of the index share. Not published.
// IndexData mirrors generator/present/pages/index/finder_views.py.

interface IndexModel {
  slug: string;
  label: string;
  row: string;
  what: string;
}

/** Hash in the file's name, height (0: as wide), share on patches, maximum; or a reason's index. */
type IndexMap = [string, number, number, number] | number;

interface IndexImage {
  slug: string;
  title: string;
  name: string;
  group: number;
  thumb: [string, number, number] | [];
  alt: string;
  credit: number;
  figures: string;
  values: (number | null)[];
  maps: IndexMap[];
  failure: number | null;
  /** The sequence whose first frame the image is. */
  sequence: { slug: string; summary: string; strip: [string, string][] } | null;
}

interface IndexData {
  models: IndexModel[];
  statistics: string[];
  groups: string[];
  credits: { text: string; source: string }[];
  reasons: { message: string; hint: string }[];
  images: IndexImage[];
}

/** A search: an order's id, a group's index, words of a name. Empty: everything. */
interface Search {
  sort: string;
  group: string;
  name: string;
}
