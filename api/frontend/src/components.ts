/** Components over the hooks. Their look is in `styles.css`, by classes that begin with `rc-`. */
export { AgentBuilder, Conversation, Requirements, type AgentBuilderProps } from "./components/AgentBuilder.js";
export { DeletePreview, type DeletePreviewProps } from "./components/DeletePreview.js";
export { differences, type Difference } from "./components/differences.js";
export { Badge, ErrorNote, toneOf, Waiting, type Tone } from "./components/parts.js";
export { PlanView, type PlanViewProps } from "./components/PlanView.js";
export {
  ResultsFilter,
  ResultsTable,
  type ResultsFilterProps,
  type ResultsTableProps,
} from "./components/ResultsTable.js";
export { RunForm, SchemaForm, type RunFormProps, type SchemaFormProps } from "./components/RunForm.js";
export { LiveTask, TaskTrace } from "./components/TaskTrace.js";
export { useVisibleRows, type Visible } from "./components/virtual_rows.js";
