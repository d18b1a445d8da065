package rask

// #include "lane.h"
import "C"

import "unsafe"

// structSizes are the sizes of the structs that cross, as Go and as C has them: the latter may be packed in ways cgo cannot follow.
func structSizes() map[string][2]uintptr {
	return map[string][2]uintptr{
		"rask_future":         {unsafe.Sizeof(C.rask_future{}), C.sizeof_rask_future},
		"rask_arg":            {unsafe.Sizeof(C.rask_arg{}), C.sizeof_rask_arg},
		"rask_error":          {unsafe.Sizeof(C.rask_error{}), C.sizeof_rask_error},
		"rask_client_options": {unsafe.Sizeof(C.rask_client_options{}), C.sizeof_rask_client_options},
		"rask_submit_options": {unsafe.Sizeof(C.rask_submit_options{}), C.sizeof_rask_submit_options},
		"rask_client_stats":   {unsafe.Sizeof(C.rask_client_stats{}), C.sizeof_rask_client_stats},
		"rask_lane_task":      {unsafe.Sizeof(C.rask_lane_task{}), C.sizeof_rask_lane_task},
		"rask_lane_result":    {unsafe.Sizeof(C.rask_lane_result{}), C.sizeof_rask_lane_result},
	}
}
