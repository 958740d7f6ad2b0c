/** Whether the text is written as metadata labels are: `plugin/label`. */
export function isMetadataLabel(text: string): boolean {
  const slash = text.indexOf('/')
  return slash > 0 && slash < text.length - 1
}
