// Package service is what the programs of before and after have in common, and what a
// migration does not touch: handlers, and a pool that they use.
package service
