/** Rdata from parts and text, and back. */
export { parseRecord, rdataText, recordText } from './text.ts'
export {
  type Mx,
  mapRdataNames,
  type Naptr,
  rdata,
  readA,
  readAaaa,
  readHinfo,
  readMx,
  readName,
  readSoa,
  readSrv,
  readTxt,
  type Soa,
  type Srv,
} from './values.ts'
