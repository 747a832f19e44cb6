import { meanRows } from "kerf/dsl";

/** Makes whole rows of values of which nothing is stored: each is what it read as. */
export default meanRows({ name: "repeat_means", whole: "destination" });
