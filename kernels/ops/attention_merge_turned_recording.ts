import { kernel } from "kerf/dsl";
import recording from "./attention_merge_recording.ts";

/** `attention_merge_turned`, which also leaves the softmax of each row, as `attention_merge_recording` does. */
export default kernel({ ...recording, name: "attention_merge_turned_recording" });
