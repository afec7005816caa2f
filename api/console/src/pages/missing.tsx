import type { ReactNode } from "react";
import { Head } from "../parts/head";
import { Empty } from "../parts/states";

export function MissingPage(): ReactNode {
  return (
    <>
      <Head title="Not here" />
      <Empty title="There is no such page.">
        <a href="#/">Go to the overview</a>, or press <kbd>/</kbd> to find something.
      </Empty>
    </>
  );
}
