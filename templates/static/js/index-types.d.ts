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
  /** Name without suffix, width, height. */
  crop: [string, number, number] | [];
  alt: string;
  values: (number | null)[];
  maps: IndexMap[];
  failure: number | null;
  /** The sequence whose first frame the image is. */
  sequence: { slug: string; summary: string; strip: [string, string, number, number][] } | null;
}

interface IndexStatistic {
  id: string;
  says: string;
  unit: "%" | "";
}

interface IndexData {
  models: IndexModel[];
  statistics: IndexStatistic[];
  groups: string[];
  /** Whether all models saw the same part of each picture. */
  aligned: boolean;
  reasons: { message: string; hint: string }[];
  images: IndexImage[];
}

/** A search: an order's id, a group's index, words of a name. Empty: everything. */
interface Search {
  sort: string;
  group: string;
  name: string;
}
